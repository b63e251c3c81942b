// Pods of agents that build as they start.
pipeline {
  agent {
    kubernetes {
      yaml '''
        spec:
          containers:
            - name: shop
              image: ghcr.io/osscontainertools/kaniko:v1.28.3
              args: [--context=git://github.com/acme/shop.git, --destination=localhost:5000/shop:1]
      '''
    }
  }
  stages { stage('wait') { steps { echo 'built' } } }
}
