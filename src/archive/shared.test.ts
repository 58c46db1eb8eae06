import { expect, test } from 'vitest';
import { eachStore } from '../store/testing.ts';
import { archiveMigrations, createArchive, type QuarantineReason, SEES_ALL } from './index.ts';
import { bytesOf, chunks, manifest, shared, silentLog } from './testing.ts';

/** Made from other files of the collection with other content, but under the same SOP Instance UID. */
const CONFLICTS = [
  'charsets/chrFrenMulti.dcm',
  'colour/SC_rgb_16bit.dcm',
  'colour/SC_rgb_2frame.dcm',
  'colour/SC_rgb_32bit.dcm',
  'colour/SC_ybr_full_uncompressed.dcm',
  'rt/rtdose_expb_1frame.dcm',
  'seg/ct_image.dcm',
  'ultrasound/examples_palette.dcm',
];

/** What the damage must be called; a damaged copy whose content can still be read is a conflict with the file it was made of. */
const DAMAGE: Record<string, QuarantineReason> = {
  'malformed/MR_truncated.dcm': 'truncated',
  'malformed/deep_nesting_3000.dcm': 'too-deep',
  'malformed/deflate_corrupt.dcm': 'truncated',
  'malformed/frames_9999999_truncated.dcm': 'truncated',
  'malformed/frames_negative.dcm': 'truncated',
  'malformed/length_overflow_element.dcm': 'truncated',
  'malformed/missing_sop_instance_uid.dcm': 'missing-uid',
  'malformed/not_dicom_png.dcm': 'not-dicom',
  'malformed/odd_length_value.dcm': 'conflict',
  'malformed/patient_id_html.dcm': 'conflict',
  'malformed/pixel_length_larger_than_file.dcm': 'truncated',
  'malformed/preamble_only.dcm': 'truncated',
  'malformed/rows_too_large.dcm': 'pixel-length',
  'malformed/rtplan_truncated.dcm': 'truncated',
  'malformed/truncated_encapsulated_fragment.dcm': 'truncated',
  'malformed/truncated_in_dataset.dcm': 'truncated',
  'malformed/truncated_in_meta.dcm': 'truncated',
  'malformed/truncated_pixel_data_half.dcm': 'truncated',
  'malformed/uid_path_traversal.dcm': 'bad-uid',
  'malformed/uid_too_long.dcm': 'bad-uid',
  'malformed/unknown_transfer_syntax.dcm': 'unknown-transfer-syntax',
};
/** The same image in another transfer syntax, made by other software. */
const SAME = [
  'transfer-syntax-mr/MR_small_RLE.dcm',
  'transfer-syntax-mr/MR_small_bigendian.dcm',
  'transfer-syntax-mr/MR_small_implicit.dcm',
  'transfer-syntax-mr/MR_small_jp2klossless.dcm',
  'transfer-syntax-mr/MR_small_jpeg_ls_lossless.dcm',
  'colour/SC_rgb_rle.dcm',
  'enhanced-multiframe/emri_small_RLE.dcm',
  'rt/rtdose_rle.dcm',
];

eachStore((_label, make) => {
  test('every file of the collection is served byte for byte, or kept aside with its reason', async () => {
    const store = await make({ migrations: archiveMigrations });
    const archive = createArchive({ store, log: silentLog });
    const isDamaged = (path: string): boolean => path.startsWith('malformed/');
    const files = manifest().sort((a, b) => Number(isDamaged(a.path)) - Number(isDamaged(b.path)));
    expect(files.length).toBe(317);
    const reasons: Record<string, string> = {};
    for (const { path, transferSyntax } of files) {
      const bytes = shared(path);
      const outcome = await archive.ingest(chunks(bytes), { door: 'import', from: 'test' });
      if (outcome.status === 'stored') {
        const { sopInstanceUid } = outcome;
        expect((await bytesOf(await archive.file(sopInstanceUid, SEES_ALL))).equals(bytes), path).toBe(true);
        const row = await archive.instance(sopInstanceUid, SEES_ALL);
        if (transferSyntax !== '') expect(row?.transferSyntax, path).toBe(transferSyntax);
      } else if (outcome.status === 'quarantined') {
        expect((await bytesOf(await archive.quarantine.file(outcome.id))).equals(bytes), path).toBe(true);
      }
      reasons[path] = 'reason' in outcome ? outcome.reason : outcome.status;
    }
    expect(reasons).toMatchObject(DAMAGE);
    expect(reasons['malformed/empty_file.dcm']).toBe('empty');
    for (const path of SAME) expect(reasons[path], path).toBe('duplicate');
    const refused = files.filter(
      ({ path }) => !isDamaged(path) && !['stored', 'duplicate'].includes(reasons[path] ?? ''),
    );
    expect(refused.filter(({ path }) => reasons[path] === 'conflict').map(({ path }) => path)).toEqual(
      CONFLICTS,
    );
    // Test images without the UIDs of their study cannot be filed; nothing else keeps a readable file out.
    for (const { path } of refused)
      expect(['conflict', 'missing-uid', 'bad-uid'], path).toContain(reasons[path]);
  });
});
