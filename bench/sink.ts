/** The thread of `sink` in dimse.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { acceptAnyCaller, createDimseServer, storage } from '../src/wire/index.ts';

const server = createDimseServer({
  acceptCaller: acceptAnyCaller,
  services: [
    storage({
      async onStore(_, body) {
        for await (const piece of body) void piece;
        return { status: 0 };
      },
    }),
  ],
});
await server.listen(workerData as number);
parentPort!.postMessage('listening');
