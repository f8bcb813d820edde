import { fileURLToPath } from 'node:url';

/** The page by hand, bundled as any page is. Its folder is told by whoever builds it. */
export default {
  root: fileURLToPath(new URL('.', import.meta.url)),
  // ONNX Runtime without its files inside, as in the page of the agent.
  resolve: { conditions: ['onnxruntime-web-use-extern-wasm', 'module', 'browser', 'production'] },
  worker: { format: 'es' },
  build: { emptyOutDir: true, target: 'es2023', assetsInlineLimit: 0, modulePreload: { polyfill: false } },
};
