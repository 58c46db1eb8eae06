/** The practice as its administrator describes it: its name, its language, and where it can be reached. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { NegatoscopeError } from '../../errors.ts';
import type { Rooms } from '../../rooms.ts';
import { NetworkChoice } from './account.ts';
import type { Practice } from './contract.ts';
import type { NetworkControl } from './index.ts';
import { bodyOf } from './schema.ts';

const PracticePatch = z.object({
  name: z.string().trim().max(64).optional(),
  language: z.enum(['fr', 'en']).optional(),
});

export function registerPractice(app: FastifyInstance, rooms: Rooms, network: NetworkControl): void {
  const { store } = rooms;
  const admin = { config: { access: ['admin'] as const } };

  const practice = async (): Promise<Practice> => ({
    name: (await store.setting('site.name')) ?? '',
    language: ((await store.setting('site.language')) as Practice['language'] | undefined) ?? 'fr',
    network: network.plan(),
    networkFixed: network.fixed,
  });

  app.get('/api/practice', admin, practice);
  app.patch('/api/practice', admin, async (request) => {
    const { name, language } = bodyOf(request, PracticePatch);
    const given = Object.entries({ name, language }).filter(([, value]) => value !== undefined);
    for (const [field, value] of given) await store.setSetting(`site.${field}`, value!);
    if (given.length > 0)
      await store.write(async (tx) =>
        store.events.append(tx, {
          kind: 'people.practice.changed',
          actor: request.principal.personId ?? request.principal.name,
          payload: { fields: given.map(([field]) => field) },
        }),
      );
    return practice();
  });

  /** The answer comes before a door is shut: whoever came by the network may have to find the new address. */
  app.put('/api/practice/network', admin, async (request) => {
    if (network.fixed) {
      throw new NegatoscopeError(
        'network-fixed',
        'Where it listens was said at the start (--host, --tls-cert or --trust-proxy). Start it without to choose here.',
        { status: 409 },
      );
    }
    const plan = await network.check(bodyOf(request, NetworkChoice));
    await store.write(async (tx) =>
      store.events.append(tx, {
        kind: 'people.network.changed',
        actor: request.principal.personId ?? request.principal.name,
        payload: { exposure: plan.exposure, tls: plan.tls },
      }),
    );
    await network.apply(plan);
    return practice();
  });
}
