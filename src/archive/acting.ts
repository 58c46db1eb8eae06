import { NegatoscopeError } from '../errors.ts';
import type { Principal, Role } from '../people/types.ts';

/** @throws NegatoscopeError `forbidden` (403) unless the principal holds one of the roles, or the program itself acts */
export function demand(by: Principal, roles: readonly Role[]): void {
  if (by.via === 'system' || by.via === 'cli') return;
  if (!roles.some((role) => by.roles.has(role))) {
    throw new NegatoscopeError('forbidden', `This needs one of the roles: ${roles.join(', ')}.`, {
      status: 403,
      details: { roles: roles.join(', ') },
    });
  }
}

/** The actor of an event: person id, the name of a token (`token:<name>` already), `cli` or `system`. */
export const nameOf = (by: Principal): string =>
  by.personId ?? (by.via === 'token' ? by.name : by.via === 'cli' ? 'cli' : 'system');
