/** How to reach a system: its row, our title, and what we show of ourselves. */
import { NegatoscopeError } from '../errors.ts';
import type { TlsOptions, WebService } from '../wire/index.ts';
import { certificatesOf, isOver } from './form.ts';
import type { Address, RemoteSecrets, RemoteSystem } from './types.ts';

/** A certificate that the authority of this installation signs, to be shown to others; made and renewed as it is asked for. */
export interface OwnCertificate {
  readonly cert: string;
  readonly key: string;
  /** The authority's own. */
  readonly ca: string;
}

export interface AddressDependencies {
  readonly secretsOf: (id: string) => Promise<RemoteSecrets>;
  readonly ownTitle: () => Promise<string>;
  readonly ownCertificate: () => Promise<OwnCertificate>;
  readonly now: () => number;
}

export function createAddresses({ secretsOf, ownTitle, ownCertificate, now }: AddressDependencies) {
  async function identityOf(system: RemoteSystem): Promise<TlsOptions['identity']> {
    if (system.identity === 'own') {
      const { cert, key } = await ownCertificate();
      return { cert, key };
    }
    const { certificate: cert } = system;
    const { key } = system.identity === 'given' ? await secretsOf(system.id) : { key: null };
    if (cert === null || key === null) return undefined;
    if (isOver(certificatesOf(cert)[0]!, now()))
      throw new NegatoscopeError('remote-own-expired', 'The certificate that we show there is over.', {
        status: 409,
      });
    return { cert, key };
  }
  async function tlsOf(system: RemoteSystem): Promise<TlsOptions> {
    const { ca } = system;
    const identity = await identityOf(system);
    return { ...(ca === null ? {} : { ca }), ...(identity ? { identity } : {}) };
  }
  return {
    async address(system: RemoteSystem): Promise<Address> {
      const { host, port, aeTitle: calledAe } = system;
      const callingAe = system.callingAe ?? (await ownTitle());
      if (!system.tls) return { host, port, calledAe, callingAe };
      return { host, port, calledAe, callingAe, tls: await tlsOf(system) };
    },
    async web(system: RemoteSystem): Promise<WebService> {
      const { url, auth, user } = system;
      const { secret } = await secretsOf(system.id);
      const basic = () => `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`;
      const authorization = auth === 'none' ? undefined : auth === 'basic' ? basic() : `Bearer ${secret}`;
      return {
        url,
        ...(authorization === undefined ? {} : { headers: { authorization } }),
        ...(system.tls ? { tls: await tlsOf(system) } : {}),
      };
    },
    ownAuthority: async (): Promise<string> => (await ownCertificate()).ca,
  };
}
