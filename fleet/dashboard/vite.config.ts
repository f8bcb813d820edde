import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** The fleet serves what is built here; `vite dev` passes API calls on to a fleet on its usual port. */
export default defineConfig({
  plugins: [react()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2023',
    chunkSizeWarningLimit: 600,
    assetsInlineLimit: 0,
    rolldownOptions: {
      // One chunk, so that the setting in content-security.ts comes after zod and before the first schema, as main.tsx imports them.
      output: { codeSplitting: { groups: [{ name: 'schemas', test: /node_modules\/zod\/|shared\/src\/|content-security/ }] } },
    },
  },
  server: { proxy: { '/api': 'http://localhost:8080' } },
});
