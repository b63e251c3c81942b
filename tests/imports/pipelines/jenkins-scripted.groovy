#!/usr/bin/env groovy
// A scripted pipeline: conditions around its stages.
@Library('acme') _
node('kaniko') {
  checkout scm
  if (params.BUILD) {
    stage('image') {
      sh '/kaniko/executor --context=$WORKSPACE/shop --destination registry.example.com/shop:1'
    }
  } else {
    stage('edge') {
      sh '/kaniko/executor --context=$WORKSPACE/edge --destination registry.example.com/edge:1'
    }
  }
  if (env.TAG_NAME != null && true) {
    sh '/kaniko/executor --context=$WORKSPACE/tag --destination registry.example.com/tag:1'
  }
}
}
