// Variables of Groovy that a run sets, functions of the file, and braces on lines of their own.
def  registry = 'localhost:5000/acme'
def channel = 'edge'

def image() {
  container('kaniko') {
    sh "/kaniko/executor --context=\$WORKSPACE/app --build-arg=COMMIT=${COMMIT} \
      --destination=${registry}/shop:${channel} --destination=${registry}/shop:${brief} \
      --destination=${registry}/shop:g${env.GIT_COMMIT?.take(7)} --destination=${registry}/shop:${other} --destination=${cache}"
  }
}

pipeline
{
  agent { kubernetes { yaml POD } }
  environment { COMMIT = ''; OTHER = 'none' }
  stages {
    stage('Names') {
      steps {
        script {
          COMMIT = sh(
            script: 'git rev-parse HEAD',
            returnStdout: true
          ).trim()
          def brief = sh(returnStdout: true, script: 'git rev-parse --short HEAD').trim()
          if (env.BRANCH_NAME == 'main') { channel = 'stable' } else { channel = "next-${brief}" }
          def push = env.TAG_NAME == null ? "edge-${brief}" : 'tag'
          cache = registry + '/cache:' + push
          timeout(5) { other = "was-${OTHER}" }
          retry(2) { other = readFile('name.txt') }
        }
      }
    }
    stage('Image') {
      steps {
        image()
      }
    }
  }
}
