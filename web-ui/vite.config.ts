import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

/** Where `npm run dev` finds the API: a running lab, or the mock server of `npm run mock`. */
const api = process.env.WOLFDEN_URL ?? 'http://127.0.0.1:7820';

export default defineConfig({
  plugins: [svelte()],
  // Everything the page needs lies in dist/, so that it can be embedded in the binary and works without a network.
  build: { target: 'es2022', assetsInlineLimit: 0, chunkSizeWarningLimit: 400 },
  server: {
    host: '127.0.0.1',
    // The API refuses foreign origins; the proxy makes page and API one origin.
    proxy: { '/api': { target: api, changeOrigin: true, headers: { origin: api } } },
  },
  test: { include: ['tests/**/*.test.ts'] },
});
