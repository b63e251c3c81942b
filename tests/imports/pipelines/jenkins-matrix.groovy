// What a matrix asks for holds in its stages, and so may a block that only a library knows.
pipeline {
  stages {
    stage('Images') {
      matrix {
        axes { axis { name 'APP'; values 'api', 'web' } }
        agent {
          kubernetes {
            yaml '''
spec:
  containers:
  - {name: kaniko, image: "ghcr.io/osscontainertools/kaniko:v1.28.3-debug"}
'''
          }
        }
        when { beforeAgent true; anyOf { branch 'main'; tag 'v*' } }
        stages {
          stage('Build') {
            steps {
              container('kaniko') {
                sh "/kaniko/executor --context ${APP} --destination localhost:5000/acme/${APP}:${GIT_COMMIT}"
              }
            }
          }
        }
      }
    }
  }
}
