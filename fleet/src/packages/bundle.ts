import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf, StarlingError } from '@starling/shared';
import { build } from 'esbuild';

const nodeEdge = fileURLToPath(new URL('../../../agent/src/node', import.meta.url));

/** The programs of the agent, by the names under which they find each other. */
const entries = {
  agent: join(nodeEdge, 'main.ts'),
  'runtime-host': join(nodeEdge, 'engine/runtime-host.ts'),
  'measure-host': join(nodeEdge, 'engine/measure-host.ts'),
  'session-worker': join(nodeEdge, 'engine/session-worker.ts'),
  'script-worker': join(nodeEdge, 'engine/script-worker.ts'),
};

/**
 * Bundles the agent into plain JavaScript: name -> bytes. The same sources give the same bytes.
 * @throws StarlingError `bundle-failed`
 */
export async function bundleAgent(): Promise<Map<string, Uint8Array>> {
  const { outputFiles } = await build({
    entryPoints: entries,
    outdir: '/',
    write: false,
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    external: ['onnxruntime-node', 'sharp'],
    // Some libraries are CommonJS inside and ask for Node's own modules by require.
    banner: { js: "import { createRequire as starlingRequire } from 'node:module'; const require = starlingRequire(import.meta.url);" },
    legalComments: 'linked',
    logLevel: 'silent',
  }).catch((cause: unknown) => {
    throw new StarlingError('bundle-failed', `the agent could not be bundled: ${messageOf(cause)}`, { cause });
  });
  return new Map(outputFiles.map(({ path, contents }) => [path.replace(/^\//, ''), contents]));
}
