// Runs ci-kaniko, so that the page stays awake. Each message is one call, each answer names it.

const here = new URL(".", import.meta.url);
const vendored = new URL("vendored/", here);

const loaded = load();
loaded.then(
  () => postMessage({ ready: true }),
  (error) => postMessage({ failed: String(error) }),
);

addEventListener("message", async ({ data: { number, name, words } }) => {
  try {
    const call = await loaded;
    postMessage({ number, answer: JSON.parse(call(name, JSON.stringify(words))) });
  } catch (error) {
    postMessage({ number, error: String(error) });
  }
});

async function load() {
  const { loadPyodide } = await import(new URL("pyodide.mjs", vendored).href);
  const lock = await fetched("vendored/pyodide-lock.json");
  const [calls, python] = await Promise.all([
    fetched("calls.py").then((answer) => answer.text()),
    lock.json().then((contents) =>
      loadPyodide({
        indexURL: vendored.href,
        packageBaseUrl: vendored.href,
        lockFileContents: contents,
        packages: Object.keys(contents.packages),
      }),
    ),
  ]);
  python.FS.writeFile("calls.py", calls);
  return python.pyimport("calls").call;
}

async function fetched(name) {
  const answer = await fetch(new URL(name, here));
  if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
  return answer;
}
