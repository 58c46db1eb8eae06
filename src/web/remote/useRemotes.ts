import { useQuery } from '@tanstack/react-query';
import type { RemoteSystem } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { keys } from '../queries.ts';

/** The other systems that are known here. */
export const useRemotes = (enabled = true) =>
  useQuery({ queryKey: keys.remotes, queryFn: () => api<RemoteSystem[]>('/remotes'), enabled });
