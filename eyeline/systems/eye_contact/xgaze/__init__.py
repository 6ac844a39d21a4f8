"""Builder `xgaze_mstcn`: what ETH-XGaze's network sees in a face, segmented by an MS-TCN++."""
