// What the tests have in common: a gateway for each test, and windows of the page.

import { type BrowserContext, expect, type Locator, type Page, test as base } from '@playwright/test';
import { Gateway } from './gateway.js';

export { expect } from '@playwright/test';

interface Fixtures {
  /** Tables of the configuration; without them the gateway runs in development mode. */
  readonly settings: string | undefined;
  readonly gateway: Gateway;
}

/** A test with a gateway of its own. */
export const test = base.extend<Fixtures>({
  settings: [undefined, { option: true }],
  gateway: async ({ settings }, use) => {
    const gateway = await Gateway.start(settings);
    await use(gateway);
    await gateway.stop();
  },
});

/** A window of the page. */
export class Window {
  /** Errors of the page and violations of its content-security policy. */
  readonly errors: string[] = [];

  private constructor(
    readonly page: Page,
    readonly name: string,
  ) {
    page.on('pageerror', (error) => this.errors.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error' && !EXPECTED.test(message.text())) this.errors.push(message.text());
    });
  }

  /** Opens the page. */
  static async open(context: BrowserContext, gateway: Gateway, name = 'Ada', path = '/demo/'): Promise<Window> {
    const window = new Window(await context.newPage(), name);
    await window.page.goto(gateway.origin() + path);
    await window.page.getByLabel('Your name').fill(name);
    return window;
  }

  /** Enters a room with a role. */
  async enter(role?: string, room = 'lobby'): Promise<this> {
    if (role !== undefined) {
      await this.page.getByLabel('Room', { exact: true }).fill(room);
      await this.page.getByRole('radio', { name: role }).check();
    }
    await this.page.getByRole('button', { name: 'Enter', exact: true }).click();
    await expect(this.page.getByRole('heading', { level: 1, name: room })).toBeVisible();
    return this;
  }

  /** Opens camera and microphone on the first screen. */
  async openDevices(): Promise<this> {
    await this.page.getByRole('button', { name: 'Check camera and microphone' }).click();
    await expect(this.page.getByLabel('Your camera')).toBeVisible();
    return this;
  }

  /** The row of a person. */
  person(name: string): Locator {
    return this.page.getByRole('listitem').filter({ has: this.page.getByRole('button', { name: `Moderate ${name}` }) });
  }

  /** The people in the roster, each with what is shown of them. */
  people(): Locator {
    return this.page.locator('.people-list > li');
  }

  /** Opens the dialog about a person. */
  async moderate(name: string): Promise<Locator> {
    await this.page.getByRole('button', { name: `Moderate ${name}` }).click();
    return this.page.getByRole('dialog', { name: `Moderate ${name}` });
  }

  /** The newest receipt. */
  receipt(): Locator {
    return this.page.getByRole('list', { name: 'Receipts' }).locator(':scope > li').first();
  }

  /** Waits until the room is entered again, without the patience that the page has after a long outage. */
  async isBack(): Promise<void> {
    const retry = this.page.getByRole('button', { name: 'Retry now' });
    await expect(async () => {
      if (await retry.isVisible()) await retry.click({ timeout: 500 });
      await expect(this.chat).toContainText('You are in the room again', { timeout: 1_000 });
    }).toPass();
  }

  get chat(): Locator {
    return this.page.getByRole('log');
  }

  async say(text: string): Promise<void> {
    await this.page.getByLabel('Message').fill(text);
    await this.page.getByLabel('Message').press('Enter');
  }
}

/** What a browser logs for a lost connection. */
const EXPECTED = /WebSocket connection to|net::ERR_/;
