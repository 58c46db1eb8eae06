import { useQuery } from '@tanstack/react-query';
import type { QueueToLabelRow } from '../../doors/api/contract.ts';
import { api } from '../api.ts';
import { keys } from '../queries.ts';

/** Queues that this person may label in. */
export const useQueuesToLabel = (enabled: boolean) =>
  useQuery({
    queryKey: [...keys.evidence, 'labelling', 'mine'],
    queryFn: () => api<QueueToLabelRow[]>('/labelling/mine'),
    enabled,
    // What is left changes with every answer.
    staleTime: 0,
  });
