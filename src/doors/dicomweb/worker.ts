/** What a worker may read and send: of the work that it has claimed, and nothing else. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Ups } from '../../assist/index.ts';
import { NegatoscopeError } from '../../errors.ts';
import { isWorker } from '../../people/index.ts';
import type { Place } from './context.ts';

/** Others pass. Throws `instance-not-found` (404): a worker does not learn what else there is. */
export const mustBeOwnWork =
  (ups: Ups) =>
  async (request: FastifyRequest, _reply: FastifyReply): Promise<void> => {
    if (!isWorker(request.principal) || request.method === 'POST') return;
    const { instance = '' } = request.params as Place;
    if (!(await ups.mayRead(instance, request.principal)))
      throw new NegatoscopeError('instance-not-found', 'There is no such instance here.', { status: 404 });
  };
