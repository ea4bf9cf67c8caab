// What the tests use of React's own module for hot reloads, which has no types.

declare module 'react-refresh/runtime' {
  interface Runtime {
    injectIntoGlobalHook(global: object): void;
    register(type: unknown, id: string): void;
    setSignature(type: unknown, key: string): void;
    performReactRefresh(): unknown;
  }
  const runtime: Runtime;
  export default runtime;
}
