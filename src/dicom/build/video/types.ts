import { NegatoscopeError } from '../../../errors.ts';

/** Where the bytes of a film lie; a film is never held in memory. */
export interface ByteSource {
  /** Bytes. */
  readonly size: number;
  /** Exactly `length` bytes, or fewer at the end. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** What a film says of itself. */
export interface VideoFacts {
  codec: 'h264' | 'hevc' | 'mpeg2';
  mediaType: 'video/mp4' | 'video/mpeg' | 'video/mp2t';
  columns: number;
  rows: number;
  frames: number;
  /** Mean time from one frame to the next, ms. */
  frameTime: number;
  bitDepth: 8 | 10;
  /** The transfer syntax whose limits it keeps: PS3.5 8.2.5 to 8.2.11. */
  transferSyntax: string;
}

/** `why`: what is wrong with it. 422. */
export const unreadableVideo = (why: string): NegatoscopeError =>
  new NegatoscopeError('video-unreadable', `The film cannot be read: ${why}.`, {
    status: 422,
    details: { why },
  });

/** A sound film that DICOM has no place for. `what`: its coding. 422. */
export const unsupportedVideo = (what: string): NegatoscopeError =>
  new NegatoscopeError(
    'video-unsupported',
    `DICOM has no place for ${what}. Export the film as MP4 with H.264, at most 1920 × 1080, and send that.`,
    { status: 422, details: { what } },
  );
