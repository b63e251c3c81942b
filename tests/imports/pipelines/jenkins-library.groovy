@Library('acme') _
podTemplate(yaml: '''
spec:
  containers:
  - {name: kaniko, image: "ghcr.io/osscontainertools/kaniko:v1.28.3-debug"}
''') {
  node(POD_LABEL) {
    checkout scm
    container('kaniko') {
      onRelease {
        sh "/kaniko/executor --context . --destination localhost:5000/shop:${GIT_COMMIT}"
      }
    }
  }
}
