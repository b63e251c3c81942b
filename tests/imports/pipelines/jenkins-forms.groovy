// One stage in a container, one by hand, and what declarative pipelines have around them.
def registry = 'registry.example.com'
pipeline {
  agent {
    docker {
      image 'registry.example.com/mirror/kaniko:v1.28.3-debug'
      args '--entrypoint='
    }
  }
  environment {
    TAG = sh(script: 'date +%s', returnStdout: true)
    HUB = credentials('hub')
    MODE = currentBuild.number
  }
  parameters {
    choice(name: 'FLAVOUR', choices: ['slim', 'full'])
    separator()
  }
  stages {
    stage('image') {
      when {
        not { branch 'wip/*' }
        allOf { not { changeRequest() } }
        expression { env.BRANCH_NAME != 'gh-pages' }
      }
      environment { APP = 'shop' }
      steps {
        echo "building"
        timestamps {
          sh "/kaniko/executor --context=\$WORKSPACE/app --destination ${registry}/\$APP:${FLAVOUR}"
        }
        script {
          if (env.BRANCH_NAME == 'main') {
            stage('latest') {
              sh "/kaniko/executor --context=\$WORKSPACE/app --destination ${registry}/shop:latest"
            }
          } else if (params.DEPLOY) {
            sh "/kaniko/executor --context=\$WORKSPACE/app --destination ${registry}/shop:deployed"
          } else {
            sh "/kaniko/executor --context=\$WORKSPACE/app --destination ${registry}/shop:edge"
          }
        }
      }
    }
    stage('other') {
      agent { kubernetes { yamlFile 'ci/pod.yaml' } }
      steps {
        container('kaniko') {
          sh command
          sh '''
            /kaniko/executor --context=$WORKSPACE/other --destination registry.example.com/other:1
          '''
        }
      }
    }
  }
}
