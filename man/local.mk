# SPDX-License-Identifier: MIT
man_MANS = %D%/sixteend.8 %D%/sixteen-watch.8 %D%/sixteen.conf.5 %D%/sixteen.1 %D%/check_sixteen.1 \
	%D%/sixteen.7
CLEANFILES += $(man_MANS)
EXTRA_DIST += %D%/sixteend.8.in %D%/sixteen-watch.8.in %D%/sixteen.conf.5.in %D%/sixteen.1.in \
	%D%/check_sixteen.1.in %D%/sixteen.7.in
