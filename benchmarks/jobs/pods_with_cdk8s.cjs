// So many Pods, synthesised into a folder.
const { ApiObject, App, Chart } = require("cdk8s");

const [count, outdir] = process.argv.slice(2);
const app = new App({ outdir });
const chart = new Chart(app, "images");
for (let number = 0; number < Number(count); number++) {
  const name = `image-${String(number).padStart(4, "0")}`;
  new ApiObject(chart, name, {
    apiVersion: "v1",
    kind: "Pod",
    spec: {
      restartPolicy: "Never",
      containers: [
        {
          name: "kaniko",
          image: "ghcr.io/osscontainertools/kaniko:v1.28.3",
          args: [
            `--context=git://github.com/acme/shop.git#refs/heads/main`,
            `--context-sub-path=services/${name}`,
            `--destination=ghcr.io/acme/${name}:1.0`,
          ],
        },
      ],
    },
  });
}
app.synth();
