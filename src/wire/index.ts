export type { StoreAnswer, StoreRequest } from './association.ts';
export * from './client.ts';
export { DEFAULT_LIMITS } from './channel.ts';
export type { ChannelLimits } from './channel.ts';
export { PRIORITY, STATUS } from './command.ts';
export { DimseError } from './errors.ts';
export * from './multipart.ts';
export * from './policy.ts';
export * from './server.ts';
