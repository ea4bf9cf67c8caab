// A network of its own for a browser, in which UDP can be blocked and the address changed. It needs root and `ip`.

import { execFileSync } from 'node:child_process';

/** A network namespace that is linked to this one. */
export class Network {
  readonly #name: string;
  readonly #net: number;
  #host = 2;

  private constructor(name: string, net: number) {
    this.#name = name;
    this.#net = net;
  }

  /** Makes one; undefined where this is not allowed. */
  static create(): Network | undefined {
    const net = process.pid % 250;
    const network = new Network(`sd${String(process.pid)}`, net);
    try {
      ip(`netns add ${network.#name}`);
    } catch {
      return undefined;
    }
    ip(`link add ${network.#name}h type veth peer name ${network.#name}p netns ${network.#name}`);
    ip(`addr add ${network.address}/24 dev ${network.#name}h`);
    ip(`link set ${network.#name}h up`);
    network.#inside('link set lo up');
    network.#inside(`addr add ${network.#inner}/24 dev ${network.#name}p`);
    network.#inside(`link set ${network.#name}p up`);
    // A second subnet, which never changes and has no UDP.
    ip(`addr add ${network.stableAddress}/24 dev ${network.#name}h`);
    network.#inside(`addr add ${network.#stableInner}/24 dev ${network.#name}p`);
    network.#inside(`route add default via ${network.address}`);
    // Rules are tried before the one for local addresses.
    network.#inside('rule add pref 100 lookup local');
    network.#inside('rule del pref 0');
    for (const way of ['from', 'to'])
      network.#inside(`rule add pref 60 ${way} ${network.#stableInner} ipproto udp prohibit`);
    return network;
  }

  /** The address of the tests, as the network reaches it. */
  get address(): string {
    return `10.213.${String(this.#net)}.1`;
  }

  /** Another address of the tests, which can be reached also while the network changes its address. */
  get stableAddress(): string {
    return `10.214.${String(this.#net)}.1`;
  }

  get #stableInner(): string {
    return `10.214.${String(this.#net)}.2`;
  }

  get #inner(): string {
    return `10.213.${String(this.#net)}.${String(this.#host)}`;
  }

  /** The command that runs a program inside. */
  get wrap(): string[] {
    return ['ip', 'netns', 'exec', this.#name];
  }

  /** Blocks UDP, or passes it again. */
  blockUdp(isBlocked: boolean): void {
    this.#inside(`rule ${isBlocked ? 'add' : 'del'} pref 50 ipproto udp prohibit`);
  }

  /** Replaces the address of the network. */
  changeAddress(): void {
    this.#replaceAddress();
    this.#inside(`route replace default via ${this.address}`);
  }

  /** Leaves the network, and is in it again after a time, with another address or with the same one. */
  async leave(ms: number, address: 'another address' | 'the same address' = 'another address'): Promise<void> {
    this.#inside(`link set ${this.#name}p down`);
    await new Promise((resolve) => setTimeout(resolve, ms));
    if (address === 'another address') this.#replaceAddress();
    this.#inside(`link set ${this.#name}p up`);
    this.#inside(`route replace default via ${this.address}`);
  }

  #replaceAddress(): void {
    const former = this.#inner;
    this.#host += 1;
    this.#inside(`addr del ${former}/24 dev ${this.#name}p`);
    this.#inside(`addr add ${this.#inner}/24 dev ${this.#name}p`);
  }

  remove(): void {
    ip(`netns del ${this.#name}`);
  }

  #inside(command: string): void {
    ip(`-n ${this.#name} ${command}`);
  }
}

function ip(command: string): void {
  execFileSync('ip', command.split(' '), { stdio: ['ignore', 'ignore', 'pipe'] });
}
