/** Bearer tokens of machine clients: kept as digests, given once. */
import { randomUUID } from 'node:crypto';
import { NegatoscopeError } from '../errors.ts';
import type { Db, Store, Tx } from '../store/types.ts';
import { actorOf } from './actor.ts';
import type { PeopleTables as Tables } from './migrations.ts';
import { digest, newSecret } from './secrets.ts';
import { TOKEN_ROLES, type Principal, type Role } from './types.ts';

/** How long a token is taken for good without a look at the database: a viewer asks for many frames a second. */
const TRUSTED_MS = 1000;
const MAX_TRUSTED = 1000;

export function createTokens(deps: {
  store: Store;
  read: Db<Tables>;
  write: <R>(work: (tx: Tx<Tables>) => Promise<R>) => Promise<R>;
  now: () => number;
}) {
  const { store, read, write, now } = deps;
  /** Tokens that were good a moment ago, by digest. Emptied when one is revoked here; elsewhere it lasts `TRUSTED_MS` longer. */
  const trusted = new Map<string, { principal: Principal; until: number }>();
  let revocations = 0;
  return {
    /** A bearer token for a machine client. The text is given once; the database keeps its digest. */
    async addToken(name: string, roles: readonly Role[], by: Principal | null): Promise<string> {
      for (const role of roles)
        if (!TOKEN_ROLES.includes(role))
          throw new NegatoscopeError('role-unknown', `There is no role ${String(role)}.`);
      if (roles.includes('worker') && new Set(roles).size > 1)
        throw new NegatoscopeError(
          'role-worker',
          'A token of a worker has this role alone: with another it would see more than its work.',
        );
      const secret = `ngs_${newSecret()}`;
      const id = randomUUID();
      await write(async (tx) => {
        await tx
          .insertInto('token')
          .values({
            id,
            name: name.trim().slice(0, 64) || 'token',
            hash: digest(secret),
            roles: [...new Set(roles)].join(','),
            created_at: now(),
            created_by: by?.personId ?? null,
            last_used_at: null,
            revoked_at: null,
          })
          .execute();
        await store.events.append(tx, {
          kind: 'people.token.added',
          subject: id,
          ...(actorOf(by) ? { actor: actorOf(by)! } : {}),
          payload: { roles: [...new Set(roles)] },
        });
      });
      return secret;
    },
    async tokens() {
      const rows = await read
        .selectFrom('token')
        .selectAll()
        .where('revoked_at', 'is', null)
        .orderBy('created_at')
        .execute();
      return rows.map((row) => ({
        id: row.id,
        name: row.name,
        roles: row.roles.split(',').filter(Boolean) as Role[],
        createdAt: row.created_at,
        lastUsedAt: row.last_used_at,
      }));
    },
    async revokeToken(id: string, by: Principal): Promise<void> {
      await write(async (tx) => {
        const done = await tx
          .updateTable('token')
          .set({ revoked_at: now() })
          .where('id', '=', id)
          .where('revoked_at', 'is', null)
          .executeTakeFirst();
        if (Number(done.numUpdatedRows) === 0)
          throw new NegatoscopeError('not-found', 'There is no such token.', { status: 404 });
        await store.events.append(tx, {
          kind: 'people.token.revoked',
          subject: id,
          ...(actorOf(by) ? { actor: actorOf(by)! } : {}),
        });
      });
      revocations += 1;
      trusted.clear();
    },
    /** Principal of a bearer token, or undefined. Never holds a person: it can send and look, not decide or sign. */
    async tokenOf(secret: string): Promise<Principal | undefined> {
      const hash = digest(secret);
      const known = trusted.get(hash);
      if (known && known.until > now()) return known.principal;
      const asked = revocations;
      const row = await read
        .selectFrom('token')
        .selectAll()
        .where('hash', '=', hash)
        .where('revoked_at', 'is', null)
        .executeTakeFirst();
      if (!row) return undefined;
      if (row.last_used_at === null || now() - row.last_used_at > 60_000)
        await write((tx) =>
          tx.updateTable('token').set({ last_used_at: now() }).where('id', '=', row.id).execute(),
        );
      const principal: Principal = {
        personId: null,
        tokenId: row.id,
        name: `token:${row.name}`,
        roles: new Set(row.roles.split(',').filter(Boolean) as Role[]),
        via: 'token',
        language: 'en',
      };
      if (trusted.size >= MAX_TRUSTED) trusted.clear();
      // Not when one was revoked while this one was looked up.
      if (asked === revocations) trusted.set(hash, { principal, until: now() + TRUSTED_MS });
      return principal;
    },
  };
}
