/* A small honest scanner, which the bad plugins share: each of them is good
 * but for its one sin. */
#ifndef SCANNER_H
#define SCANNER_H

/* scan_path returns an AVCHK_ result: a virus for a file that holds the EICAR
 * text, impossible for an encrypted zip. */
int scan_path(const char *path);

#endif
