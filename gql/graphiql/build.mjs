// Bundles GraphiQL into dist/, so that the page needs no network but our own server.
//
// dist/assets/    every file the browser may ask for, named by the hash of its content, with a gzip copy of each text
// dist/manifest.json  what the page starts with; written last, so that a build cut short is not taken for a whole one
//
// The same sources and lock file give the same bytes, wherever the checkout lies.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "dist");
const assets = join(dist, "assets");

const WORKERS = {
  editor: "monaco-editor/esm/vs/editor/editor.worker.js",
  json: "monaco-editor/esm/vs/language/json/json.worker.js",
  graphql: "monaco-graphql/esm/graphql.worker.js",
};

const common = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  sourcemap: false,
  legalComments: "eof", // the licences of what is bundled travel with it
  target: "es2022",
  outdir: assets,
  metafile: true,
  logLevel: "warning",
  define: { "process.env.NODE_ENV": '"production"' },
};

/** Base names of the outputs, by the entry they were built from. */
function entries(result) {
  return Object.fromEntries(
    Object.entries(result.metafile.outputs)
      .filter(([, output]) => output.entryPoint)
      .map(([path, output]) => [output.entryPoint, basename(path)]),
  );
}

/** GraphiQL's style sheet carries its fonts as data: addresses. As files, a browser fetches only those it shows, and the
 * page can forbid data: fonts. */
const fontsAsFiles = {
  name: "fonts-as-files",
  setup({ onLoad }) {
    onLoad({ filter: /\.css$/ }, ({ path }) => {
      const contents = readFileSync(path, "utf8").replace(
        /url\(data:font\/(ttf|woff2?);base64,([A-Za-z0-9+/=]+)\)/g,
        (_, extension, base64) => {
          const font = Buffer.from(base64, "base64");
          const hash = createHash("sha256").update(font).digest("hex").slice(0, 12);
          const name = `font-${hash}.${extension}`;
          writeFileSync(join(assets, name), font);
          return `url(./${name})`;
        },
      );
      return { contents, loader: "css" };
    });
  },
};

rmSync(dist, { recursive: true, force: true });
mkdirSync(assets, { recursive: true });

const workers = await build({
  ...common,
  entryPoints: Object.entries(WORKERS).map(([out, path]) => ({ in: path, out: `${out}.worker` })),
  entryNames: "[name]-[hash]",
  format: "iife", // one file each: a worker must not fetch modules of its own
});
const workerFiles = Object.fromEntries(
  Object.entries(WORKERS).map(([label, path]) => [label, entries(workers)[`node_modules/${path}`]]),
);

const script = await build({
  ...common,
  entryPoints: ["graphiql.jsx"],
  entryNames: "[name]-[hash]",
  chunkNames: "chunk-[hash]",
  format: "esm",
  splitting: true, // Monaco and Prettier load after the page shows
  jsx: "automatic",
  keepNames: true, // GraphiQL makes the spoken names of its icons from the names of its components
  define: { ...common.define, WORKER_FILES: JSON.stringify(workerFiles) },
  loader: { ".css": "empty" }, // graphiql.css has all of it, Monaco's too
  alias: {
    // GraphiQL asks for the CommonJS forms, whose named exports a split bundle loses: Prettify would do nothing.
    "prettier/parser-babel": "prettier/plugins/babel",
    "prettier/parser-graphql": "prettier/plugins/graphql",
  },
  external: ["graphql-ws"], // optional in @graphiql/toolkit; loaded only once subscriptions are configured
});

const styles = await build({
  ...common,
  entryPoints: ["graphiql.css"],
  entryNames: "[name]-[hash]",
  external: ["./font-*"],
  plugins: [fontsAsFiles],
});

const icon = await build({
  ...common,
  entryPoints: ["favicon.svg"],
  entryNames: "[name]-[hash]",
  loader: { ".svg": "copy" },
});

for (const name of readdirSync(assets).filter((file) => /\.(js|css|svg)$/.test(file))) {
  writeFileSync(join(assets, `${name}.gz`), gzipSync(readFileSync(join(assets, name)), { level: 9 }));
}

const manifest = {
  script: entries(script)["graphiql.jsx"],
  style: entries(styles)["graphiql.css"],
  icon: basename(Object.keys(icon.metafile.outputs)[0]),
};
writeFileSync(join(dist, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
