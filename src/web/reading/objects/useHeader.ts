/** The header of an object; the attributes' names come with it, as a part of the app that is loaded then. */
import { useQuery } from '@tanstack/react-query';
import { metadataOf, type InstanceRef } from '../viewer/loading/dicomweb.ts';

export const useHeader = (ref: InstanceRef | null) =>
  useQuery({
    queryKey: ['header', ref?.sopInstanceUid],
    queryFn: () => metadataOf(ref!),
    enabled: ref !== null,
    staleTime: Infinity,
  });
