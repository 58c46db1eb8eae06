/** Starts the real program on an empty folder, and drives it as people and machines do. Everything on loopback. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { PROGRAM, PROGRAM_FLAGS } from '../scripts/node24.mjs';
import type { ReadingState } from '../src/reading/types.ts';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));
export const SHARED = fileURLToPath(new URL('../../shared/', import.meta.url));
export const radiograph = (name: string): string => join(SHARED, 'radiographs/dicom', name);

export interface Server {
  readonly dir: string;
  readonly url: string;
  readonly dicomPort: number;
  /** The one-time link, on first start. */
  readonly setup: string | undefined;
  readonly pid: number;
  readonly output: () => string;
  /** As Ctrl+C does. */
  stop(): Promise<void>;
  /** As a power cut does, as far as a process can tell. */
  kill(): Promise<void>;
  /** The same data again. */
  restart(flags?: string[]): Promise<Server>;
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export const newDir = (): string => mkdtempSync(join(tmpdir(), 'negatoscope-e2e-'));

/** Resolves when the program has said where it is. */
export async function startServer(dir = newDir(), flags: string[] = []): Promise<Server> {
  const child = spawn(
    process.execPath,
    [
      ...PROGRAM_FLAGS,
      PROGRAM,
      'start',
      '--data',
      dir,
      '--port',
      '0',
      '--dicom-port',
      '0',
      '--silence-seconds',
      '1',
      ...flags,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, TZ: 'Europe/Paris' } },
  );
  running.add(child);
  let output = '';
  const ended = once(child, 'exit').then(() => running.delete(child));
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`The server did not start:\n${output}`)), 60_000);
    const listen = (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes('Ctrl+C')) {
        clearTimeout(timer);
        resolve();
      }
    };
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`The server ended with ${code}:\n${output}`));
    });
  });
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await ended;
  };
  return {
    dir,
    url: /Web +(\S+)/.exec(output)![1]!,
    dicomPort: Number(/port (\d+)/.exec(output)![1]),
    setup: /(http\S+\/setup\?token=\S+)/.exec(output)?.[1],
    pid: child.pid!,
    output: () => output,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    async restart(more = flags) {
      await end('SIGKILL');
      return startServer(dir, more);
    },
  };
}
export const remove = (server: Server): void => rmSync(server.dir, { recursive: true, force: true });

export const PASSWORD = 'un mot de passe long';
export const PIN = '2468';

/** A person or machine over HTTP: keeps its cookie and its CSRF token. */
export class Client {
  readonly #base: string;
  #cookie = '';
  #csrf = '';
  readonly #token: string | undefined;

  constructor(base: string, token?: string) {
    this.#base = base;
    this.#token = token;
  }

  async call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    const raw = body instanceof Uint8Array || typeof body === 'string';
    const response = await fetch(this.#base + path, {
      method,
      headers: {
        ...(this.#cookie ? { cookie: this.#cookie } : {}),
        ...(this.#csrf ? { 'x-csrf': this.#csrf } : {}),
        ...(this.#token ? { authorization: `Bearer ${this.#token}` } : {}),
        ...(body === undefined
          ? {}
          : { 'content-type': raw ? 'application/octet-stream' : 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: (raw ? body : JSON.stringify(body)) as BodyInit }),
    });
    const [cookie] = response.headers.getSetCookie();
    if (cookie) this.#cookie = cookie.split(';')[0]!;
    return response;
  }
  /** The JSON of a successful answer; anything else throws with the status and the text. */
  async json<T = any>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<T> {
    const response = await this.call(method, path, body, headers);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    const value = text ? JSON.parse(text) : undefined;
    if (value?.csrf) this.#csrf = value.csrf;
    return value as T;
  }
  async login(login: string, password = PASSWORD): Promise<this> {
    await this.json('POST', '/api/login', { login, password });
    return this;
  }
}

/** Makes the first account over HTTP: administrator and reader, login `anne`. */
export async function firstAccount(server: Server): Promise<Client> {
  const client = new Client(server.url);
  await client.json('POST', '/api/setup', {
    token: new URL(server.setup!).searchParams.get('token'),
    name: 'Dr Anne Marchand',
    login: 'anne',
    password: PASSWORD,
    pin: PIN,
    alsoReader: true,
    language: 'fr',
    exposure: 'local',
    understood: true,
  });
  return client;
}

/** Lets an AE title in before it knocks. */
export const admit = (client: Client, aeTitle: string): Promise<unknown> =>
  client.json('POST', `/api/knocks/${aeTitle}/admit`, {});

/** The same person in a page's browser, by the cookie alone: the form has tests of its own. Nothing is opened yet. */
export async function signIn(
  { request }: Pick<Page | BrowserContext, 'request'>,
  { url }: Pick<Server, 'url'>,
): Promise<void> {
  const data = { login: 'anne', password: PASSWORD };
  const answer = await request.post(`${url}/api/login`, { data });
  if (!answer.ok()) throw new Error(`Not signed in: ${answer.status()}`);
}

/** Replaces the password that an administrator chose, as everyone does before a first signature. */
export async function withOwnPassword(client: Client): Promise<Client> {
  await client.json('PATCH', '/api/me', { currentPassword: PASSWORD, password: `${PASSWORD} own`, pin: PIN });
  return client;
}

/** Sends files by the upload door. */
export async function upload(client: Client, ...paths: string[]) {
  const results = [];
  for (const path of paths)
    results.push(
      await client.json('POST', '/api/upload', readFileSync(path), {
        'x-file-name': encodeURIComponent(path.split('/').at(-1)!),
      }),
    );
  return results;
}

/** Asks again until `test` holds; fails with the last answer. */
export async function until<T>(ask: () => Promise<T>, test: (value: T) => boolean, ms = 60_000): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const value = await ask();
    if (test(value)) return value;
    if (Date.now() > end) throw new Error(`Still not: ${JSON.stringify(value)?.slice(0, 2000)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export interface Row {
  study: { studyUid: string; patientName: string; images: number; bodyParts: string[] };
  state: ReadingState;
  ai: { state: string; reason: string | null; detail: string | null; runId: string }[];
}
export const worklist = async (client: Client, list = 'all'): Promise<Row[]> =>
  (await client.json<{ rows: Row[] }>('GET', `/api/worklist?list=${list}&limit=200`)).rows;
/** Waits until AI has ended with every study of the list. */
export const analysed = (client: Client, studies: number): Promise<Row[]> =>
  until(
    () => worklist(client),
    (rows) =>
      rows.length >= studies &&
      rows.every(
        ({ ai }) => ai.length > 0 && ai.every(({ state }) => !['waiting', 'running'].includes(state)),
      ),
    120_000,
  );

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
);
export const browserMissing = CHROMIUM === undefined && process.env.CI !== 'true';

/** A real Chromium, headless, with software rendering. */
export async function openBrowser(more: readonly string[] = []): Promise<Browser> {
  if (!CHROMIUM) throw new Error('Chromium is not installed: node scripts/peers.mjs');
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--no-sandbox',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--use-angle=swiftshader',
      '--enable-unsafe-swiftshader',
      '--ignore-gpu-blocklist',
      ...more,
    ],
  });
}

/** A page that collects what a user never should cause: errors on the console, failed scripts. */
export async function openPage(
  browser: Browser,
  options: { width?: number; height?: number; locale?: string; touch?: boolean } = {},
): Promise<{ page: Page; errors: string[] }> {
  const context = await browser.newContext({
    viewport: { width: options.width ?? 1440, height: options.height ?? 900 },
    locale: options.locale ?? 'fr-FR',
    timezoneId: 'Europe/Paris',
    ...(options.touch ? { hasTouch: true, isMobile: true } : {}),
  });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => {
    // A refused request is part of some tests; the page must still say nothing worse.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      errors.push(message.text());
  });
  return { page, errors };
}

/** Chromium's emulation of a slower network: bits a second down and up, and ms before each answer. */
export async function slowDown(
  page: Page,
  { megabits, latencyMs }: { megabits: number; latencyMs: number },
): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const bytes = (megabits * 1e6) / 8;
  await session.send('Network.enable');
  await session.send('Network.emulateNetworkConditions', {
    offline: false,
    latency: latencyMs,
    downloadThroughput: bytes,
    uploadThroughput: bytes,
  });
}
