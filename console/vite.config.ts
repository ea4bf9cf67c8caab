import { defineConfig } from 'vite';

/** The pages. Each is a folder with an `index.html`, served below its name. */
const page = 'demo';

export default defineConfig({
  root: page,
  base: `/${page}/`,
  // A public folder would be copied without hashed names.
  publicDir: false,
  build: {
    outDir: `../dist/${page}`,
    emptyOutDir: true,
    target: 'es2023',
    // The preload helper sets the URL of a script, which `trusted-types 'none'` rejects.
    modulePreload: false,
    // A `data:` URL of a script or style violates the content-security policy.
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    reportCompressedSize: false,
  },
});
