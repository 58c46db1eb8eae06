import { existsSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { NegatoscopeError } from './errors.ts';

const isTimeZone = (name: string): boolean => {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: name }));
  } catch {
    return false;
  }
};
const isOrigin = (text: string): boolean => URL.canParse(text) && new URL(text).origin === text;
/** `loopback`, addresses, subnets: `10.0.0.5, 192.168.1.0/24`. */
const isProxyList = (text: string): boolean =>
  text.split(',').every((part) => {
    const [address = '', bits, ...more] = part.trim().split('/');
    if (['loopback', 'linklocal', 'uniquelocal'].includes(address) && bits === undefined) return true;
    const version = isIP(address);
    if (version === 0 || more.length > 0) return false;
    return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
  });

/**
 * Settings of one installation. Weakest first: defaults, `DIR/negatoscope.json`, environment (`NEGATOSCOPE_PORT`, …), flags.
 * Everything is checked; an error names the key and where it came from.
 */
export const configShape = z
  .object({
    /** Web port. */
    port: z.coerce.number().int().min(0).max(65535).default(8042),
    /** Port for HTTPS to the network, when the practice chose *our network* and gave no `host`. */
    networkPort: z.coerce.number().int().min(0).max(65535).default(8043),
    dicomPort: z.coerce.number().int().min(0).max(65535).default(11112),
    /** DIMSE over TLS (PS3.15 B.9), beside the plain port; not opened without it. */
    dicomTlsPort: z.coerce.number().int().min(0).max(65535).optional(),
    /** File of certificates, PEM: whoever comes by TLS has to show one that these have signed. */
    dicomTlsClientCa: z.string().optional(),
    aet: z
      .string()
      .regex(
        /^[\x20-\x5b\x5d-\x7e]{1,16}$/,
        'an AE title has 1 to 16 characters and no backslash (PS3.5 6.2)',
      )
      .default('NEGATOSCOPE'),
    /** Address to bind. Without it: this computer only until an administrator chooses the network. */
    host: z.string().optional(),
    tlsCert: z.string().optional(),
    tlsKey: z.string().optional(),
    /** Addresses or subnets of the proxy in front; it terminates TLS. */
    trustProxy: z
      .string()
      .refine(isProxyList, 'give the addresses or subnets of the proxy, or "loopback"')
      .optional(),
    /** `postgres://…`; SQLite without it. */
    database: z.string().optional(),
    /** A study is complete after this silence. */
    silenceSeconds: z.coerce.number().min(0.2).max(3600).default(8),
    timeZone: z
      .string()
      .refine(isTimeZone, 'there is no such time zone; an example is Europe/Paris')
      .default(Intl.DateTimeFormat().resolvedOptions().timeZone),
    /** Screen lock after idleness, minutes. */
    idleLockMinutes: z.coerce.number().min(1).max(240).default(10),
    /** No image is taken in when less is free on the volume, MB. */
    minFreeMb: z.coerce.number().int().min(0).default(512),
    /** Every stored file is compared with its checksum once in so many days. */
    verifyDays: z.coerce.number().min(0.01).max(3650).default(30),
    /** A secret that opens `/metrics` and nothing else. */
    metricsToken: z.string().min(16, 'a secret has 16 characters or more').optional(),
    /** `/metrics` answers this computer without a token. */
    metricsLoopback: z
      .union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')])
      .default(false),
    logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
    /** Folders that are looked into for new files: paths, or settings of each. */
    watchFolders: z
      .array(
        z.preprocess(
          (given) => (typeof given === 'string' ? { path: given } : given),
          z
            .object({
              path: z.string().min(1),
              /** What is done with a file that was taken in: left (and remembered), moved to `done/` there, deleted. */
              after: z.enum(['leave', 'move', 'delete']).default('leave'),
              /** A file is taken once its size and time have not changed for so long. */
              settleSeconds: z.number().min(0).max(3600).default(5),
              /** Pause between two looks. */
              everySeconds: z.number().min(0.1).max(3600).default(5),
            })
            .strict(),
        ),
      )
      .default([]),
    /** Origins whose pages may use DICOMweb with a token: `https://viewer.example`. In the environment separated by commas. */
    corsOrigins: z
      .array(z.string().refine(isOrigin, 'an origin is a scheme and a host: https://viewer.example'))
      .default([]),
    /** AI runs at once on this machine, each in a process of its own; 0: none, workers elsewhere do them. */
    assistProcesses: z.coerce
      .number()
      .int()
      .min(0)
      .max(64)
      .default(Math.max(1, Math.floor(availableParallelism() / 2))),
    /** A worker elsewhere that was not heard of for so long has lost what it had claimed; it tells of itself every 15 s. */
    workerLeaseSeconds: z.coerce.number().min(1).max(3600).default(60),
    /** Folders with model packages, beside the built-in one. */
    models: z.array(z.string()).default([]),
    /** Model packages are taken in only when a key that the practice trusts has signed them. */
    signedModelsOnly: z
      .union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')])
      .default(false),
    /** Folders of labelled images on this machine that the page of validation studies offers. */
    studyFolders: z.array(z.string().min(1)).default([]),
  })
  .strict();
export type Config = z.infer<typeof configShape> & { dir: string };

const envName = (key: string): string =>
  `NEGATOSCOPE_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;

/** @throws NegatoscopeError `config` naming the key, the place and what is wrong with it. */
export function loadConfig(
  dir: string,
  flags: Record<string, unknown>,
  env: Record<string, string | undefined> = process.env,
): Config {
  const home = resolve(dir);
  const file = join(home, 'negatoscope.json');
  const origin = new Map<string, string>();
  const merged: Record<string, unknown> = {};
  const take = (from: Record<string, unknown>, place: (key: string) => string) => {
    for (const [key, value] of Object.entries(from))
      if (value !== undefined) {
        merged[key] = value;
        origin.set(key, place(key));
      }
  };
  if (existsSync(file)) {
    let parsed: unknown;
    try {
      parsed = JSON.parse(readFileSync(file, 'utf8'));
    } catch (cause) {
      throw new NegatoscopeError('config', `${file} is not valid JSON: ${(cause as Error).message}`, {
        cause,
      });
    }
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
      throw new NegatoscopeError('config', `${file} holds no settings: write {"key": value, …}.`);
    take(parsed as Record<string, unknown>, () => file);
  }
  const fromEnv = Object.fromEntries(
    Object.keys(configShape.shape).map((key) => [key, env[envName(key)]]),
  ) as Record<string, unknown>;
  for (const key of ['models', 'watchFolders', 'studyFolders'])
    if (typeof fromEnv[key] === 'string') fromEnv[key] = fromEnv[key].split(':').filter(Boolean);
  if (typeof fromEnv.corsOrigins === 'string')
    fromEnv.corsOrigins = fromEnv.corsOrigins
      .split(',')
      .map((origin) => origin.trim())
      .filter(Boolean);
  take(fromEnv, envName);
  take(flags, (key) => `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`);
  const result = configShape.safeParse(merged);
  if (!result.success) {
    const issue = result.error.issues[0]!;
    const key = issue.code === 'unrecognized_keys' ? issue.keys[0]! : String(issue.path[0] ?? '');
    throw new NegatoscopeError('config', `${origin.get(key) ?? key}: ${key}: ${issue.message}`);
  }
  if (Boolean(result.data.tlsCert) !== Boolean(result.data.tlsKey))
    throw new NegatoscopeError('config', 'Give both --tls-cert and --tls-key, or neither.');
  const watchFolders = result.data.watchFolders.map((folder) => ({
    ...folder,
    path: resolve(home, folder.path),
  }));
  for (const { path } of watchFolders)
    if (`${home}/`.startsWith(`${path}/`) || `${path}/`.startsWith(`${home}/`))
      throw new NegatoscopeError(
        'config',
        `${origin.get('watchFolders')}: watchFolders: ${path} and the data folder ${home} lie in one another. Choose a folder outside.`,
      );
  const studyFolders = result.data.studyFolders.map((folder) => resolve(home, folder));
  return { ...result.data, watchFolders, studyFolders, dir: home };
}
