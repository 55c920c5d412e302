_base_ = 'ddmi_toolkit::d2c_vae/procedural_chair.py'
custom_imports = dict(imports=['example_project'])
head = dict(type='LinearHead', out_channels=1)
model = dict(generator=dict(readout=dict(_delete_=True, type='GatedReadout', head=head)))
del head
