import { defineConfig } from 'vite';

// One script, one style, nothing inlined: the page's policy allows neither inline code nor data: URLs.
export default defineConfig({
  build: { target: 'es2022', assetsInlineLimit: 0, modulePreload: false, cssCodeSplit: false, reportCompressedSize: false },
  server: { proxy: { '/v1': process.env['ROLLBACKD_URL'] ?? 'http://127.0.0.1:8620' } },
});
