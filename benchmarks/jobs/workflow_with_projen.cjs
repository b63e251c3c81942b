// A GitHub workflow of so many jobs, synthesised into a folder.
const { Project, github } = require("projen");

const [count, outdir] = process.argv.slice(2);
const project = new Project({ name: "images", outdir });
const hub = new github.GitHub(project, { mergify: false, pullRequestLint: false });
const workflow = hub.addWorkflow("images");
workflow.on({ push: { branches: ["main"] } });
for (let number = 0; number < Number(count); number++) {
  const name = `image-${String(number).padStart(4, "0")}`;
  workflow.addJob(name, {
    runsOn: ["ubuntu-24.04"],
    permissions: {},
    steps: [
      {
        run: [
          "set -eu",
          `docker run kaniko --context="dir:///workspace/services/${name}" \\`,
          `  --destination="ghcr.io/acme/${name}:$GITHUB_SHA"`,
        ].join("\n"),
      },
    ],
  });
}
project.synth();
