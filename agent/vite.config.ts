import { fileURLToPath } from 'node:url';
import { defaultClientConditions, defineConfig } from 'vite';
import { finishPage } from './finish-page.ts';

const page = fileURLToPath(new URL('./src/browser/page', import.meta.url));
const built = fileURLToPath(new URL('./dist/browser', import.meta.url));

/** The page that a fleet hosts at /run/, with the agent in its workers. */
export default defineConfig({
  root: page,
  base: '/run/',
  plugins: [finishPage(built)],
  resolve: {
    // ONNX Runtime without its files inside: they are served beside it, under their own hashed names.
    conditions: ['onnxruntime-web-use-extern-wasm', ...defaultClientConditions],
  },
  worker: { format: 'es' },
  build: {
    outDir: built,
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1200,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      input: { index: `${page}/index.html`, 'service-worker': `${page}/service-worker.ts` },
      output: { entryFileNames: ({ name }) => (name === 'service-worker' ? '[name].js' : 'assets/[name]-[hash].js') },
    },
  },
});
