// What the tests use of happy-dom, whose own types need those of a later Node.

declare const Page: new (options: { url: string }) => typeof globalThis;

export { Page as Window };
