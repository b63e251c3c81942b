// A pod that Groovy's own steps describe
def label = "kaniko-${UUID.randomUUID()}"
podTemplate(label: label, serviceAccount: 'builder', containers: [
  containerTemplate(name: 'maven', image: 'maven:3.9', command: 'sleep', args: '99d'),
  containerTemplate(name: 'kaniko', image: 'gcr.io/kaniko-project/executor:v1.23.2-debug', command: '/busybox/cat', ttyEnabled: true, resourceLimitMemory: '4Gi', privileged: false),
], volumes: [
  secretVolume(secretName: 'regcred', mountPath: '/kaniko/.docker'),
  emptyDirVolume(mountPath: '/scratch', memory: false),
]) {
  node(label) {
    checkout scm
    stage('build') {
      container(name: 'kaniko', shell: '/busybox/sh') {
        sh "/kaniko/executor --context \"$WORKSPACE/app\" --destination registry.acme.io/app:${env.BUILD_NUMBER}"
        if (env.BRANCH_NAME == 'main') {
          sh "/kaniko/executor --context \"$WORKSPACE/app\" --destination registry.acme.io/app:latest"
        }
      }
    }
  }
}
