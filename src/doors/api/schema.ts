import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { NegatoscopeError } from '../../errors.ts';

/** The body in the shape of `schema`. @throws `bad-request` naming the field that failed, never its value. */
export function bodyOf<S extends z.ZodType>(request: FastifyRequest, schema: S): z.output<S> {
  return parsed(schema, request.body ?? {}, 'body');
}
/** The query string in the shape of `schema`. */
export function queryOf<S extends z.ZodType>(request: FastifyRequest, schema: S): z.output<S> {
  return parsed(schema, request.query ?? {}, 'query');
}

function parsed<S extends z.ZodType>(schema: S, value: unknown, place: string): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const field = issue.path.join('.') || place;
  throw new NegatoscopeError('bad-request', `${place}: ${field}: ${issue.message}`, { details: { field } });
}
