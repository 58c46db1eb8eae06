/** What a person may do. `reader` alone signs. A person may hold several. */
export const ROLES = ['admin', 'reader', 'technologist', 'evidence', 'viewer'] as const;
/**
 * `worker`: does AI work elsewhere. It sees the worklist of that work, the images of what it has claimed and its own results, and
 * nothing else. For a token alone, and there alone: with another role beside it the token would see more than the work.
 */
export const TOKEN_ROLES = [...ROLES, 'worker'] as const;
export type Role = (typeof TOKEN_ROLES)[number];
export const isWorker = (principal: Pick<Principal, 'roles'>): boolean => principal.roles.has('worker');

export type Language = 'fr' | 'en';

/** Whoever acts: a person in a session, or a machine client with a token. Doors make it, rooms check it. */
export interface Principal {
  /** `person.id`; null for a machine token, which can never sign or decide. */
  readonly personId: string | null;
  /** For the audit: login of the person, or name of the token. */
  readonly name: string;
  readonly roles: ReadonlySet<Role>;
  readonly via: 'session' | 'token' | 'dimse' | 'cli' | 'system';
  readonly sessionId?: string;
  /** Of a machine: two tokens may have one name. */
  readonly tokenId?: string;
  readonly language: Language;
}

export interface Person {
  readonly id: string;
  readonly login: string;
  /** As printed on reports: "Dr Anne Marchand". */
  readonly name: string;
  readonly roles: readonly Role[];
  readonly language: Language;
  readonly hasPin: boolean;
  /** False until a password that somebody else chose was replaced: who knows it could sign in another's name. */
  readonly ownPassword: boolean;
  readonly disabled: boolean;
}
