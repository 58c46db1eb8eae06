/// <reference types="vite/client" />

/** An Emscripten module without types of its own; what of it is used here. */
declare module '@cornerstonejs/codec-openjph' {
  interface HTJ2KDecoder {
    /** A view into the codec's heap for the codestream. */
    getEncodedBuffer(length: number): Uint8Array;
    decode(): void;
    getDecodedBuffer(): Uint8Array;
    getFrameInfo(): { width: number; height: number; bitsPerSample: number };
    delete(): void;
  }
  export default function create(options: {
    locateFile: () => string;
  }): Promise<{ HTJ2KDecoder: new () => HTJ2KDecoder }>;
}
