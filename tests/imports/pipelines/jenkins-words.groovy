def registry = 'registry.example.com'
def pod = readYaml(file: 'pod.yml')
node('linux') {
  checkout scm
  stage('Image') {
    docker.image('golang:1.22').inside {
      sh 'go build ./...'
    }
    container('kaniko') {
      sh(
        script: """
          set -e
          /kaniko/executor --context=dir:///workspace --dockerfile=Dockerfile \\
            --destination=${registry}/acme/app:${env.BUILD_ID}
        """,
        label: 'build'
      )
    }
  }
}
