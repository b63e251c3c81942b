// A spec as a part of an address, which a browser sends to nobody.

const START = "#spec=";
const MOST = 1 << 20; // as for every spec

export async function encoded(text) {
  const packed = await through(
    new CompressionStream("deflate-raw"),
    new TextEncoder().encode(text),
  );
  let binary = "";
  for (const byte of packed) binary += String.fromCharCode(byte);
  const letters = btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return `${START}${letters}`;
}

export async function decoded(hash) {
  if (!hash.startsWith(START)) throw new Error("no spec");
  const letters = hash.slice(START.length).replaceAll("-", "+").replaceAll("_", "/");
  const packed = Uint8Array.from(atob(letters), (letter) => letter.charCodeAt(0));
  const text = await through(new DecompressionStream("deflate-raw"), packed);
  return new TextDecoder("utf-8", { fatal: true }).decode(text);
}

async function through(stream, bytes) {
  const parts = [];
  let size = 0;
  for await (const part of read(new Blob([bytes]).stream().pipeThrough(stream))) {
    size += part.length;
    if (size > MOST) throw new Error("too long");
    parts.push(part);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

async function* read(stream) {
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}
