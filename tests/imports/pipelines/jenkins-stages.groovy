@Library('acme-ci') _
// images of the shop { not a block }
pipeline {
  agent none
  options { timestamps() }
  environment {
    REGISTRY = 'registry.example.com'
    IMAGE = "${REGISTRY}/acme/shop"
    LOGIN = credentials('registry-login')
  }
  parameters {
    choice(name: 'CHANNEL', choices: ['edge', 'stable'])
  }
  stages {
    stage('Images') {
      agent {
        kubernetes {
          label 'kaniko'
          yaml """
apiVersion: v1
kind: Pod
metadata:
  namespace: ci
spec:
  containers:
  - name: builder
    image: ghcr.io/osscontainertools/kaniko:v1.28.3-debug
    command: [/busybox/cat]
    tty: true
    env:
    - {name: FF_KANIKO_NEW_CACHE_LOOKUP, value: "1"}
    resources: {requests: {cpu: "2"}, limits: {cpu: "3", memory: 4Gi}}
"""
        }
      }
      stages {
        stage('Test') {
          steps { sh 'make test' }
        }
        stage('Shop') {
          when {
            anyOf { branch 'main'; buildingTag() }
            not { changeRequest() }
          }
          steps {
            checkout scm
            echo "building ${IMAGE}"
            container('builder') {
              withCredentials([usernamePassword(credentialsId: 'hub', usernameVariable: 'HUB_USER', passwordVariable: 'HUB_TOKEN')]) {
                sh '''
                  echo "{\\"auths\\":{\\"registry.example.com\\":{\\"username\\":\\"$LOGIN_USR\\",\\"password\\":\\"$LOGIN_PSW\\"}}}" > /kaniko/.docker/config.json
                '''
                dir('services/shop') {
                  sh script: "/kaniko/executor --context=\$(pwd) --destination=${IMAGE}:${env.GIT_COMMIT} --build-arg='CHANNEL=${params.CHANNEL}'", label: 'kaniko'
                }
              }
            }
          }
          post { always { archiveArtifacts 'image.tar' } }
        }
      }
    }
  }
}
