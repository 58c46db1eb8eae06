import type { FastifyInstance } from 'fastify';
import type { z } from 'zod';
import type { Doctor } from '../../doctor.ts';
import type { Rooms } from '../../rooms.ts';
import { type NetworkChoice, registerAccount } from './account.ts';
import type { NetworkPlan } from './contract.ts';
import type { FolderDoor } from '../folder/door.ts';
import { registerFolders } from './folders.ts';
import { registerDeletion } from './deletion.ts';
import { registerForward } from './forward.ts';
import { registerGates } from './gates.ts';
import { registerLabelling } from './labelling.ts';
import { registerLive } from './live.ts';
import { registerClaims } from './claims.ts';
import { registerOutgoing } from './outgoing.ts';
import { registerOverview } from './overview.ts';
import { registerPractice } from './practice.ts';
import { registerQuarantine } from './quarantine.ts';
import { registerReading } from './reading.ts';
import { registerReferences } from './references.ts';
import { registerRemote } from './remote.ts';
import { registerPackages } from './packages.ts';
import { registerTools } from './tools.ts';
import { registerStatus } from './status.ts';
import { registerUpkeep } from './upkeep.ts';
import { registerValidation } from './validation.ts';

/** What the first visit and the settings may change about how the server is reached. `check` fails before anything is changed. */
export interface NetworkControl {
  check(choice: z.output<typeof NetworkChoice>): Promise<NetworkPlan>;
  apply(plan: NetworkPlan): Promise<void>;
  plan(): NetworkPlan;
  /** Flags of the start say where it listens: nothing to choose. */
  readonly fixed: boolean;
  behindProxy(): boolean;
  place(): { webUrl: string; dicomPort: number; exposure: 'local' | 'network' };
}

/** Everything below `/api`, and `/health`. */
export function registerApi(
  app: FastifyInstance,
  rooms: Rooms,
  deps: {
    doctor: Doctor;
    network: NetworkControl;
    folders: FolderDoor;
    version: string;
    closing: AbortSignal;
  },
): void {
  // Lists of patients stay on no disk of a shared computer. Answers that may be kept say so themselves.
  app.addHook('onSend', async (request, reply) => {
    if (request.url.startsWith('/api/') && !reply.hasHeader('cache-control'))
      reply.header('cache-control', 'no-store');
  });
  registerAccount(app, rooms, deps.network);
  registerPractice(app, rooms, deps.network);
  registerReading(app, rooms);
  registerTools(app, rooms);
  registerGates(app, rooms);
  registerOutgoing(app, rooms);
  registerOverview(app, rooms);
  registerClaims(app, rooms);
  registerPackages(app, rooms);
  registerValidation(app, rooms);
  registerLabelling(app, rooms);
  registerReferences(app, rooms);
  registerUpkeep(app, rooms, deps);
  registerQuarantine(app, rooms);
  registerDeletion(app, rooms);
  registerStatus(app, rooms, deps.doctor);
  registerRemote(app, rooms);
  registerFolders(app, deps.folders);
  registerForward(app, rooms);
  registerLive(app, { store: rooms.store, people: rooms.people, closing: deps.closing });
}
