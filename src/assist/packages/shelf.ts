/**
 * The packages of an installation: those of the program, of configured folders, and those that were added here, which lie in
 * `models/ID@VERSION/` of the data folder. Of the versions of a tool one is in use. What a version was when it was first seen
 * stays: other weights under the same version are refused.
 */
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NegatoscopeError, reasonOf } from '../../errors.ts';
import type { Principal } from '../../people/types.ts';
import type { Db, Store } from '../../store/types.ts';
import { uuidv7 } from '../../store/index.ts';
import type { ZipSource } from '../../wire/zip/index.ts';
import { findPackages, loadPackage } from '../package.ts';
import type { ModelPackage } from '../package.ts';
import type { AssistTables } from '../tables.ts';
import { knownImages } from '../training.ts';
import type { BrokenPackage, CheckResult, PackageVersion } from '../types.ts';
import { fingerprintOf, sha256OfFile, signerOf } from './signature.ts';
import { copyPackage, unpackPackage } from './unpack.ts';

/** ONNX is one protobuf message, which holds at most 2 GiB. */
const MAX_WEIGHTS = 2 * 1024 ** 3;
/** Where packages wait while they are looked at; what a crash leaves there is swept at start. */
const INCOMING = '.incoming';
/** What is left of a removed one: its words, without its weights. */
const REMOVED = '.removed';
const KEYS = 'keys';

export interface ShelfOptions {
  readonly store: Store;
  readonly now: () => number;
  /** `models/` of the data folder. */
  readonly home: string;
  /** Folders of packages that are used where they lie; of equal versions the first counts. */
  readonly modelDirs: readonly string[];
  /** Only packages signed with a key of the practice's list are taken. */
  readonly signedOnly?: boolean;
  check(pack: ModelPackage): Promise<CheckResult>;
  onBroken(broken: BrokenPackage): void;
}

export type Shelf = ReturnType<typeof createShelf>;

export function createShelf(options: ShelfOptions) {
  const { store, now, home, modelDirs } = options;
  const read: Db<AssistTables> = store.read.withTables<AssistTables>();
  const place = (id: string, version: string): string => join(home, `${id}@${version}`);
  const removedPlace = (id: string, version: string): string => join(home, REMOVED, `${id}@${version}`);
  let loading: Promise<{ versions: PackageVersion[]; broken: BrokenPackage[] }> | undefined;
  let turn: Promise<unknown> = Promise.resolve();

  /** One change of the shelf after the other: two that add the same must not meet. */
  function alone<T>(work: () => Promise<T>): Promise<T> {
    const done = turn.then(work);
    turn = done.catch(() => undefined);
    return done;
  }

  async function trustedKeys(): Promise<ReadonlySet<string>> {
    const files = await readdir(join(home, KEYS)).catch(() => []);
    const keys = new Set<string>();
    for (const file of files) {
      if (!file.endsWith('.pem')) continue;
      keys.add(fingerprintOf(await readFile(join(home, KEYS, file), 'utf8')));
    }
    return keys;
  }

  async function load(): Promise<{ versions: PackageVersion[]; broken: BrokenPackage[] }> {
    const versions = new Map<string, PackageVersion>();
    const broken: BrokenPackage[] = [];
    const fail = (dir: string, error: unknown): void => {
      const each = { dir, reason: reasonOf(error) };
      broken.push(each);
      options.onBroken(each);
    };
    const trusted = await trustedKeys().catch((error: unknown) => {
      fail(join(home, KEYS), error);
      return new Set<string>();
    });
    const pins = new Map(
      (await read.selectFrom('model_package').selectAll().execute()).map((row) => [
        `${row.model_id}@${row.version}`,
        row,
      ]),
    );
    const sources = [
      { dir: home, origin: 'added', removed: false },
      { dir: join(home, REMOVED), origin: 'added', removed: true },
      ...modelDirs.map((dir) => ({ dir, origin: 'folder', removed: false }) as const),
    ] as const;
    for (const { dir: root, origin, removed } of sources)
      for (const dir of await findPackages(root))
        try {
          const pack = await loadPackage(dir);
          const { id, version, weights } = pack.manifest;
          const key = `${id}@${version}`;
          const there = versions.get(key);
          // What was removed here may still lie in a folder of the configuration.
          if (there && !there.removed) continue;
          const pin = pins.get(key);
          if (pin && pin.weights_sha256 !== weights.sha256)
            throw new NegatoscopeError(
              'model-changed',
              `${id} ${version} has other weights than when it was first used here. Changed weights need a new version.`,
              { status: 422, details: { model: id, version } },
            );
          const signer = removed ? null : await signerOf(dir, trusted);
          versions.set(key, {
            ...pack,
            origin,
            removed,
            signer,
            addedAt: pin ? Number(pin.added_at) : null,
            addedBy: pin?.added_by ?? null,
          });
        } catch (error) {
          fail(dir, error);
        }
    const fresh = [...versions.values()].filter(
      ({ manifest }) => !pins.has(`${manifest.id}@${manifest.version}`),
    );
    if (fresh.length > 0)
      await store.write<AssistTables, void>(async (tx) => {
        for (const { manifest } of fresh)
          await tx
            .insertInto('model_package')
            .values(pinOf(manifest, now(), 'system'))
            .onConflict((c) => c.columns(['model_id', 'version']).doNothing())
            .execute();
      });
    return { versions: [...versions.values()], broken };
  }
  const loaded = () => (loading ??= load());
  const forget = (): void => {
    loading = undefined;
  };

  const pinOf = ({ id, version, weights }: ModelPackage['manifest'], at: number, by: string) => ({
    model_id: id,
    version,
    weights_sha256: weights.sha256,
    added_at: at,
    added_by: by,
  });

  async function find(id: string, version: string): Promise<PackageVersion> {
    const found = (await loaded()).versions.find(
      ({ manifest, removed }) => manifest.id === id && manifest.version === version && !removed,
    );
    if (!found)
      throw new NegatoscopeError('model-unknown', 'There is no such model.', {
        status: 404,
        details: { model: `${id} ${version}` },
      });
    return found;
  }

  /** All that can be said of a package before its model runs. @throws NegatoscopeError (422) */
  async function examine(dir: string): Promise<ModelPackage> {
    const pack = await loadPackage(dir).catch((cause: unknown) => {
      if (!(cause instanceof NegatoscopeError)) throw cause;
      // A broken package of our own would be a fault of the server; here it is the sender's.
      throw new NegatoscopeError('model-manifest', cause.message.replaceAll(dir, 'that was given'), {
        status: 422,
        details: { ...cause.details, where: '' },
        cause,
      });
    });
    const { manifest } = pack;
    const wrong = (code: string, message: string, details = {}): NegatoscopeError =>
      new NegatoscopeError(code, message, { status: 422, details: { model: manifest.id, ...details } });
    const lacking = async (file: string): Promise<boolean> =>
      !(await stat(join(dir, file)).catch(() => undefined))?.isFile();
    const { file, sha256 } = manifest.weights;
    for (const each of [file, 'CARD.md', manifest.golden, ...(manifest.training ? [manifest.training.hashes] : [])])
      if (await lacking(each))
        throw wrong('model-file-missing', `The package lacks the file ${each}.`, { file: each }); // prettier-ignore
    if ((await stat(join(dir, file))).size > MAX_WEIGHTS)
      throw wrong('model-weights-size', `The weights are larger than ${MAX_WEIGHTS / 1024 ** 3} GiB, which ONNX cannot hold in one file.`); // prettier-ignore
    const is = await sha256OfFile(join(dir, file));
    if (is !== sha256)
      throw wrong('model-weights', `The weights in ${file} are not those of the manifest: sha256 ${is}, not ${sha256}.`); // prettier-ignore
    await knownImages(pack);
    return pack;
  }

  return {
    loaded,

    /**
     * Takes a package in: unpacked beside, looked at, its golden cases run, then put in its place at once.
     *
     * @throws NegatoscopeError `forbidden` (403); of `unpackPackage`; `model-manifest`, `model-file-missing`, `model-weights`,
     * `model-weights-size`, `model-training`, `model-golden`, `model-signature`, `model-unsigned`, `model-differs` (422; `details.cases`: what differs),
     * `model-version-taken` (409)
     */
    add: (from: { folder: string } | { zip: ZipSource }, by: Principal): Promise<PackageVersion> =>
      alone(async () => {
        const dir = join(home, INCOMING, uuidv7(now()));
        await mkdir(dir, { recursive: true, mode: 0o700 });
        try {
          await ('zip' in from ? unpackPackage(from.zip, dir) : copyPackage(from.folder, dir)).catch(
            (thrown: NodeJS.ErrnoException) => {
              throw thrown.code === 'ENOSPC'
                ? new NegatoscopeError('disk-full', 'The disk is full. Nothing of the package was kept.', {
                    status: 507,
                    cause: thrown,
                  })
                : thrown;
            },
          );
          const pack = await examine(dir);
          const { id, version } = pack.manifest;
          const { versions } = await loaded();
          const pin = await read
            .selectFrom('model_package')
            .selectAll()
            .where('model_id', '=', id)
            .where('version', '=', version)
            .executeTakeFirst();
          const known = versions.find(({ manifest: m, removed }) => m.id === id && m.version === version && !removed); // prettier-ignore
          if (known || (pin && pin.weights_sha256 !== pack.manifest.weights.sha256))
            throw new NegatoscopeError(
              'model-version-taken',
              known
                ? `${id} ${version} is here already.`
                : `${id} ${version} was here with other weights. Changed weights need a new version.`,
              { status: 409, details: { model: id, version } },
            );
          const signer = await signerOf(dir, await trustedKeys());
          if (options.signedOnly && !signer?.trusted)
            throw new NegatoscopeError(
              'model-unsigned',
              signer
                ? `${id} is signed by ${signer.name}, whose key (${signer.key}) this practice does not trust.`
                : `${id} is not signed; this practice takes signed packages alone.`,
              { status: 422, details: { model: id } },
            );
          const verdict = await options.check(pack);
          const differing = verdict.cases.filter(({ ok }) => !ok);
          if (differing.length > 0)
            throw new NegatoscopeError(
              'model-differs',
              `${id} ${version} does not compute here what it computed at its maker’s: ${differing.map(({ name, detail }) => `${name}: ${detail}`).join('; ')}`.slice(
                0,
                2000,
              ),
              { status: 422, details: { model: id, version, cases: differing.length } },
            );
          await rm(removedPlace(id, version), { recursive: true, force: true });
          // One step: a crash leaves either nothing or the whole package.
          await rename(dir, place(id, version));
          await store.write<AssistTables, void>(async (tx) => {
            const row = pinOf(pack.manifest, now(), by.personId ?? by.name);
            await tx
              .insertInto('model_package')
              .values(row)
              .onConflict((c) => c.columns(['model_id', 'version']).doUpdateSet(row))
              .execute();
            await store.events.append(tx, {
              kind: 'assist.model.added',
              subject: id,
              actor: by.personId ?? by.name,
              payload: { version, weights: pack.manifest.weights.sha256, signer: signer?.key ?? '' },
            });
          });
          forget();
          return await find(id, version);
        } finally {
          await rm(dir, { recursive: true, force: true });
        }
      }),

    /**
     * Takes a version out of use: its weights go; manifest and card stay, so that what it said keeps its words.
     *
     * @throws NegatoscopeError `model-unknown` (404), `model-not-ours` (409): it is part of the program or of a configured folder
     */
    remove: (id: string, version: string, by: Principal): Promise<void> =>
      alone(async () => {
        const { dir, origin, manifest } = await find(id, version);
        if (origin !== 'added')
          throw new NegatoscopeError(
            'model-not-ours',
            `${id} ${version} is part of the program or lies in a folder of the configuration. Switch it off, or take it out of that folder.`,
            { status: 409, details: { model: id, version } },
          );
        const left = removedPlace(id, version);
        await mkdir(join(home, REMOVED), { recursive: true, mode: 0o700 });
        await rm(left, { recursive: true, force: true });
        await rename(dir, left);
        await rm(join(left, manifest.weights.file), { force: true });
        await store.write<AssistTables, void>((tx) =>
          store.events.append(tx, {
            kind: 'assist.model.removed',
            subject: id,
            actor: by.personId ?? by.name,
            payload: { version },
          }),
        );
        forget();
      }),

    find,

    /** Adds a maker's public key (PEM, Ed25519) to those that the practice trusts. Gives its fingerprint. */
    async trust(pem: string): Promise<string> {
      const key = fingerprintOf(pem);
      await mkdir(join(home, KEYS), { recursive: true, mode: 0o700 });
      await writeFile(join(home, KEYS, `${key}.pem`), pem, { mode: 0o600 });
      forget();
      return key;
    },

    /** What a crash left of packages that were being taken in. */
    sweep: (): Promise<void> => rm(join(home, INCOMING), { recursive: true, force: true }),
  };
}
