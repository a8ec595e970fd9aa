# SPDX-License-Identifier: MIT
dist_doc_DATA += %D%/sixteen.schema.json
# Install the documents in the same directory as here, so that links work.
nobase_dist_doc_DATA += \
	%D%/comparison.md \
	%D%/compatibility.md \
	%D%/data-path.svg \
	%D%/growing.md \
	%D%/matrix.md \
	%D%/operations.md \
	%D%/upgrading.md
