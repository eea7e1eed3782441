// Builds static/dist: one stylesheet, the scripts, the icons that are used, hashed names and a manifest.
import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const source = (name) => join(here, "src", name);
const dist = (name) => join(here, "dist", name);
const manifest = {};

rmSync(join(here, "dist"), { recursive: true, force: true });
mkdirSync(dist("files"), { recursive: true });

function publish(name, bytes) {
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 10);
  const dot = name.lastIndexOf(".");
  const hashed = `${name.slice(0, dot)}-${hash}${name.slice(dot)}`;
  manifest[name] = hashed;
  writeFileSync(dist(`files/${hashed}`), bytes);
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } };
  writeFileSync(dist(`files/${hashed}.br`), brotliCompressSync(bytes, quality));
  writeFileSync(dist(`files/${hashed}.gz`), gzipSync(bytes, { level: 9 }));
}

async function scripts() {
  const result = await build({
    entryPoints: ["boot.js", "app.js", "container.js", "dashboard.js", "progress.js", "follow.js", "reorder.js", "editor.js"].map(source),
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    legalComments: "none",
    write: false,
    outdir: "out",
  });
  for (const file of result.outputFiles) publish(file.path.split("/").pop(), Buffer.from(file.contents));
}

function styles() {
  const out = dist("app.css");
  const cli = join(here, "node_modules/@tailwindcss/cli/dist/index.mjs");
  execFileSync(process.execPath, [cli, "-i", source("app.css"), "-o", out, "--minify"], {
    cwd: here,
    stdio: ["ignore", "ignore", "inherit"],
  });
  publish("app.css", readFileSync(out));
  rmSync(out);
}

// Only the drawing inside each icon is kept; crates/web/src/icon.rs makes symbols of them.
function icons() {
  const drawings = {};
  for (const name of JSON.parse(readFileSync(join(here, "icons.json"), "utf8"))) {
    const svg = readFileSync(join(here, `node_modules/lucide-static/icons/${name}.svg`), "utf8");
    const drawing = svg.slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>"));
    drawings[name] = drawing.replace(/\s+/g, " ").replace(/> </g, "><").trim();
  }
  writeFileSync(dist("icons.json"), JSON.stringify(drawings));
}

styles();
await scripts();
icons();
publish("favicon.svg", readFileSync(source("favicon.svg")));
writeFileSync(dist("manifest.json"), JSON.stringify(manifest, null, 2));
