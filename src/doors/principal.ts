import type { Principal, Role } from '../people/types.ts';
import type { Session } from '../people/index.ts';

/**
 * Who a route lets in: nobody asked (`public`), any signed-in person (`person`), or whoever holds one of the roles, be it a
 * person or a machine token. A route without it does not register.
 */
export type Access = 'public' | 'person' | readonly Role[];

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks. On public routes it may be nobody: then reading it throws; use `maybePrincipal`. */
    principal: Principal;
    maybePrincipal: Principal | null;
    session: Session | null;
  }
  interface FastifyContextConfig {
    access?: Access;
    /** Answers although the screen is locked (unlock, logout, who am I). */
    whileLocked?: boolean;
    /** Fastify rate limit of this route, calls a minute for one address. */
    perMinute?: number;
  }
}
