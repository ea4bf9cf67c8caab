// The script of pages with media, and the flags of their browsers.

import { fileURLToPath } from 'node:url';
import { build, type InlineConfig } from 'vite';

/** The helpers of all media tests. */
export const MEDIA_PAGE = fileURLToPath(new URL('pages/media.js', import.meta.url));

/** Pages without a camera get addresses instead of mDNS names, which need multicast. */
export const MEDIA_FLAGS = [
  '--disable-features=WebRtcHideLocalIpsWithMdns,LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets',
];

const scripts = new Map<string, Promise<string>>();

/** A program in one script, with the built packages. */
export function bundle(input: string, options: InlineConfig = {}): Promise<string> {
  const key = JSON.stringify([input, options]);
  const known = scripts.get(key) ?? make(input, options);
  scripts.set(key, known);
  return known;
}

async function make(input: string, options: InlineConfig): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: 'error',
    root: fileURLToPath(new URL('../../dist/', import.meta.url)),
    ...options,
    build: {
      write: false,
      modulePreload: false,
      minify: false,
      rolldownOptions: { input, output: { codeSplitting: false } },
    },
  });
  const outputs = [result].flat().flatMap((one) => ('output' in one ? one.output : []));
  return outputs.map((chunk) => (chunk.type === 'chunk' ? chunk.code : '')).join('');
}
