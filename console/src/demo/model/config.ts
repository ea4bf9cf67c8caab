// The configuration of the page, from `/demo/config.json`. README.md describes it.

/** The configuration. */
export interface DemoConfig {
  /** The id of the app. */
  readonly app: string;
  /** The version of the gateway. */
  readonly version: string;
  /** Whether the gateway gives room tokens to this page: in development mode alone. */
  readonly isDevelopment: boolean;
  /** The gateway. */
  readonly url: string;
  /** STUN and TURN servers. */
  readonly iceServers: readonly RTCIceServer[];
}

const CONFIG_TIMEOUT_MS = 10_000;

/** Loads the configuration. Rejects with an error that says what to do. */
export async function loadConfig(): Promise<DemoConfig> {
  let response: Response;
  try {
    response = await fetch('/demo/config.json', { cache: 'no-store', signal: AbortSignal.timeout(CONFIG_TIMEOUT_MS) });
  } catch {
    throw new Error('The gateway does not answer. Check that it is running, then try again.');
  }
  if (!response.ok) {
    throw new Error(`The gateway answered ${String(response.status)} for this page's configuration. Reload the page.`);
  }
  const config = readConfig(await response.text());
  if (!config) throw new Error("The gateway's configuration of this page is not readable. Update the gateway.");
  return config;
}

/** Reads the configuration; undefined if it is invalid. */
export function readConfig(text: string): DemoConfig | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(value) || typeof value.app !== 'string' || value.app === '') return undefined;
  const { app, url, version, development, ice_servers: iceServers } = value;
  const isDevelopment = development === true;
  return {
    app,
    version: typeof version === 'string' ? version : '',
    isDevelopment,
    url: isDevelopment && typeof url === 'string' ? url : location.origin,
    iceServers: Array.isArray(iceServers) ? iceServers.filter(isIceServer) : [],
  };
}

function isIceServer(value: unknown): value is RTCIceServer {
  return isRecord(value) && (typeof value.urls === 'string' || Array.isArray(value.urls));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
