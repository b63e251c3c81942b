// What few Jenkinsfiles have.
pipeline {
  agent {
    kubernetes {
      yaml POD
    }
  }
  stages {
    stage('plain') {
      agent { kubernetes { yaml 'spec_of: nothing' } }
      steps { sh '/kaniko/executor --context plain --destination quay.io/acme/plain:1' }
    }
    stage('other') {
      agent {
        kubernetes {
          yaml '''
            spec:
              containers:
                - {name: node, image: "node:22"}
          '''
        }
      }
      when {
        allOf {
          branch pattern: 'main', comparator: 'EQUALS'
          tag pattern: 'v1', comparator: 'OURS'
        }
      }
      steps { sh '/kaniko/executor --context other --destination quay.io/acme/other:1' }
    }
    stage('named') {
      agent {
        kubernetes {
          yaml '''
            spec:
              containers:
                - {name: kaniko, image: "gcr.io/kaniko-project/executor:debug"}
          '''
        }
      }
      steps { sh '/kaniko/executor --context named --destination quay.io/acme/named:1' }
    }
  }
}
